"""The pages, one module for each area: handlers, and their routes as `ROUTES`."""
