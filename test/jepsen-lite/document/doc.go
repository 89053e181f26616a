// Package document writes what was measured into documents, between two lines that stay.
package document
