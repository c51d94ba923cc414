"""byok-bench: measure and verify OpenAI-compatible endpoints that you bring your own key to.

Names are resolved when they are first used, so that `import byok_bench` stays light.
"""
