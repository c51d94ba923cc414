"""What a user configures, and sending to it.

`endpoint` and its keys (`keys`, `secret`, `credentials`); the book and its files (`book`, `team_keys`, `workspace`);
imports (`importing`, `litellm_config`, `presets`); may it be called (`permission`, `readiness`, `obstacles`); `send`;
the custom_model_endpoint `contract`.
"""
