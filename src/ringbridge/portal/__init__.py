"""The portal: what people do with the server in a browser. A front door like `api`: it knows the services and nothing behind them."""
