// Package servers starts what a guard protects: PostgreSQL, MariaDB and moto, an emulator of DynamoDB and S3. Each gets a folder below a working folder and a free port on
// loopback, runs as an unprivileged user, and is ended by its process id with its group.
//
// PostgreSQL and MariaDB come from the system's packages. A [Missing] says what to install when they are not there, so that callers can say what they skip.
package servers
