// Package databases holds the guards of client/guard against real resources: sqlguard against PostgreSQL, MariaDB and SQLite under every isolation level that
// they have, dynamoguard and s3guard against moto through the AWS SDK. It has tests only.
package databases
