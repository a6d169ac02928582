// Lets the proxy keep its connections to sockets in the file system, as it keeps those to ports.
//
// configurable-http-proxy (5.3) gives sockets no agent, so that each connection ends with its answer. Node ends a
// request with one more write, which has nothing in it; where the answer was quicker that fails, and the browser is
// told 503 in its place. This goes when the proxy has an agent for sockets.
"use strict";

const http = require("node:http");

const kept = new http.Agent({ keepAlive: true });
const request = http.request;

http.request = function (options, ...more) {
  const ends = options?.socketPath && options.agent === false && options.headers?.connection === "close";
  const given = ends ? { ...options, agent: kept, headers: { ...options.headers, connection: "keep-alive" } } : options;
  return request.call(this, given, ...more);
};
