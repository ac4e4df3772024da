"""HTTP in, HTTP out: turns AWS wire protocols into bus requests and back."""
