"""The only code that writes package bytes: receiving, staging, durable commit, recovery."""
