// Package stage builds the plays of package world and plays seeds in processes of their own, as they are or with a planted bug.
package stage
