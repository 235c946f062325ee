"""What carries the legs of a call. Each engine implements `call.ports.Engine`."""
