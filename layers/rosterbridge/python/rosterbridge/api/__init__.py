"""The HTTP API: requests of API Gateway in, use cases called, JSON out."""
