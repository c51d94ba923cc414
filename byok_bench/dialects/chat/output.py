"""The assembled choices of a chat answer → Output: that of choice 0."""

from byok_bench.dialects.chat.assembly import ChatAssembly
from byok_bench.dialects.output import Output, ToolCall
from byok_bench.dialects.token_counts import read_chat_usage


def make_chat_output(assembly: ChatAssembly) -> Output:
    """Choice 0, with the usage and the model of the whole answer. Its choices must be sealed."""
    counts = assembly.usages[-1].value if assembly.usages else assembly.usage_elsewhere
    usage = read_chat_usage(counts) if counts is not None else None
    choice = assembly.choices.get(0)
    if choice is None:
        return Output(usage=usage, served_model=assembly.model)
    return Output(
        text=choice.text,
        reasoning=choice.reasoning,
        refusal=choice.refusal,
        tool_calls=tuple(ToolCall(id=call.id, name=call.name, arguments=call.arguments) for call in choice.calls),
        finish_reason=choice.finish_reason,
        usage=usage,
        served_model=assembly.model,
    )
