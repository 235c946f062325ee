"""`ringbridge demo`: a server, two phones and a call between them, all real but for the people."""
