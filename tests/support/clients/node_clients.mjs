// Programs of Node client libraries, as their documentation writes them: one request a job, and what they make of it.
// Jobs come as JSON lines on standard input, as in python_clients.py; only loopback is dialled.
import dns from "node:dns";
import readline from "node:readline";
import OpenAI from "openai";
import Anthropic from "@anthropic-ai/sdk";
import { generateText, jsonSchema, streamText, tool } from "ai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { createOpenAI } from "@ai-sdk/openai";
import { createAnthropic } from "@ai-sdk/anthropic";

globalThis.AI_SDK_LOG_WARNINGS = false;
console.error = console.warn = console.log = () => {};

const lookUp = dns.lookup;
dns.lookup = (host, ...rest) => {
  if (host === "127.0.0.1" || host === "localhost") return lookUp(host, ...rest);
  rest[rest.length - 1](new Error(`${host} is not this machine`));
};

const counts = (usage, names) =>
  usage == null
    ? null
    : Object.fromEntries(names.map((name, at) => [["prompt_tokens", "completion_tokens", "total_tokens"][at], usage[name] ?? null]));

function takeChatMessage(seen, answer) {
  const choice = answer.choices[0];
  seen.text = choice.message.content || "";
  seen.finish_reason = choice.finish_reason;
  seen.calls = (choice.message.tool_calls || []).map((call) => ({ id: call.id, name: call.function.name, arguments: call.function.arguments }));
  seen.usage = counts(answer.usage, ["prompt_tokens", "completion_tokens", "total_tokens"]);
}

async function openaiChat(job, seen) {
  const client = new OpenAI({ baseURL: job.base_url, apiKey: job.key, maxRetries: 0, timeout: job.timeout * 1000 });
  const answer = await client.chat.completions.create(job.body);
  if (!job.stream) return takeChatMessage(seen, answer);
  const calls = new Map();
  for await (const chunk of answer) {
    for (const choice of chunk.choices) {
      if (choice.index !== 0) continue;
      seen.text += choice.delta.content || "";
      for (const part of choice.delta.tool_calls || []) {
        if (!calls.has(part.index)) {
          calls.set(part.index, { id: null, name: "", arguments: "" });
          seen.calls.push(calls.get(part.index));
        }
        const call = calls.get(part.index);
        call.id = call.id || part.id || null;
        call.name = call.name || part.function?.name || "";
        call.arguments += part.function?.arguments || "";
      }
      seen.finish_reason = choice.finish_reason || seen.finish_reason;
    }
    if (chunk.usage) seen.usage = counts(chunk.usage, ["prompt_tokens", "completion_tokens", "total_tokens"]);
  }
}

function takeResponse(seen, response) {
  seen.calls = response.output
    .filter((item) => item.type === "function_call")
    .map((item) => ({ id: item.call_id, name: item.name, arguments: item.arguments }));
  seen.finish_reason = response.status;
  seen.usage = counts(response.usage, ["input_tokens", "output_tokens", "total_tokens"]);
}

async function openaiResponses(job, seen) {
  const client = new OpenAI({ baseURL: job.base_url, apiKey: job.key, maxRetries: 0, timeout: job.timeout * 1000 });
  const answer = await client.responses.create(job.body);
  if (!job.stream) {
    seen.text = answer.output_text;
    return takeResponse(seen, answer);
  }
  for await (const event of answer) {
    if (event.type === "response.output_text.delta") seen.text += event.delta;
    else if (event.type === "response.completed" || event.type === "response.incomplete") takeResponse(seen, event.response);
  }
}

async function anthropicMessages(job, seen) {
  const client = new Anthropic({ baseURL: job.base_url.replace(/\/v1$/, ""), apiKey: job.key, maxRetries: 0, timeout: job.timeout * 1000 });
  const { stream: _, ...asked } = job.body;
  const answer = job.stream ? await client.messages.stream(asked).finalMessage() : await client.messages.create(asked);
  seen.text = answer.content.filter((block) => block.type === "text").map((block) => block.text).join("");
  seen.calls = answer.content
    .filter((block) => block.type === "tool_use")
    .map((block) => ({ id: block.id, name: block.name, arguments: JSON.stringify(block.input) }));
  seen.finish_reason = answer.stop_reason;
  seen.usage = counts(answer.usage, ["input_tokens", "output_tokens"]);
}

function vercelModel(job) {
  const settings = { name: "simulator", baseURL: job.base_url, apiKey: job.key };
  if (job.schema === "messages") return createAnthropic(settings)(job.body.model);
  if (job.schema === "responses") return createOpenAI(settings).responses(job.body.model);
  return createOpenAICompatible({ ...settings, includeUsage: true })(job.body.model);
}

async function vercel(job, seen) {
  const tools = Object.fromEntries(
    (job.body.tools || []).map((one) => {
      const inner = one.function || one;
      return [inner.name, tool({ description: inner.description, inputSchema: jsonSchema(inner.parameters || inner.input_schema) })];
    }),
  );
  const chosen = job.body.tool_choice;
  const choice = typeof chosen === "string" ? chosen : chosen ? { type: "tool", toolName: chosen.function?.name || chosen.name } : undefined;
  const asked = {
    model: vercelModel(job),
    prompt: job.prompt,
    maxRetries: 0,
    abortSignal: AbortSignal.timeout(job.timeout * 1000),
    ...(job.body.tools ? { tools, toolChoice: choice } : {}),
  };
  let answer;
  if (job.stream) {
    let failure = null;
    answer = streamText({ ...asked, onError: ({ error }) => { failure = error; } });
    for await (const part of answer.fullStream) if (part.type === "text-delta") seen.text += part.text;
    if (failure) throw failure;
  } else answer = await generateText(asked);
  seen.text = await answer.text;
  seen.calls = (await answer.toolCalls).map((call) => ({ id: call.toolCallId, name: call.toolName, arguments: JSON.stringify(call.input), invalid: call.invalid || undefined }));
  seen.finish_reason = await answer.finishReason;
  seen.usage = counts(await answer.usage, ["inputTokens", "outputTokens", "totalTokens"]);
}

const READERS = {
  "openai-node/chat": openaiChat,
  "openai-node/responses": openaiResponses,
  "anthropic-node/messages": anthropicMessages,
  "vercel-ai/chat": vercel,
  "vercel-ai/responses": vercel,
  "vercel-ai/messages": vercel,
};

process.on("unhandledRejection", () => {});
for await (const line of readline.createInterface({ input: process.stdin })) {
  const job = JSON.parse(line);
  const seen = { text: "", calls: [], finish_reason: null, usage: null, error: null };
  const late = new Promise((_, reject) => setTimeout(() => reject(new Error("never ends")), (job.timeout + 5) * 1000).unref());
  try {
    await Promise.race([READERS[`${job.client}/${job.schema}`](job, seen), late]);
  } catch (error) {
    seen.error = error?.message === "never ends" ? "never ends" : `${error?.name || "Error"}: ${error?.message ?? error}`;
  }
  process.stdout.write(JSON.stringify(seen) + "\n");
}
process.exit(0);
