"""Real servers, gateways and proxies that the product is tried against: `python -m tools.servers [NAME…]`.

Each server is one module with one `Server`: installed into an environment of its own, started on loopback in a process
group of its own, asked by the command line of the product alone, and stopped. What came of it goes to build/servers.
"""
