"""OpenAPI 3.1 of the API, made of the same definitions that run, and a page to read it."""
