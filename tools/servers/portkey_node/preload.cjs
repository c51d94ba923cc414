// Loaded before the gateway, which can't be told either of these things.
const net = require("node:net");

// It listens on every address of the machine.
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (port, ...rest) {
  return listen.call(this, port, "127.0.0.1", ...rest.filter((one) => typeof one === "function"));
};

// It appends to the headers of what fetch answered, which Node 20 forbids ("TypeError: immutable"): every stream is
// 500. A copy of the answer has headers that may be written.
const fetched = globalThis.fetch;
globalThis.fetch = async (...request) => {
  const answer = await fetched(...request);
  const { status, statusText } = answer;
  return new Response(answer.body, { status, statusText, headers: new Headers(answer.headers) });
};
