"""The API (接口): parse a request, call a service, render what it answers. Nothing is decided here."""
