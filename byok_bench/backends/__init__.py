"""Things to point an Endpoint at: an embedded model server, a gateway in front of it, and the simulator.

`llamacpp.LlamaCpp`, `litellm.LiteLLM` and `simulator.server.Simulator` are all `backend.Backend`: an async context
manager with `.endpoint`. Not for serving anybody else: each listens on 127.0.0.1.

Inside: `child_process`, `leash`, `process_backend`, `litellm_process`, `llamacpp_process`.
"""
