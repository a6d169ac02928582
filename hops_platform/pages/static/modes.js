// Shares in words.

export const MODES = { read: "to read", write: "to read and write" };
export const STATES = { offered: "offered, not accepted yet", asked: "asked for, not answered yet", declined: "declined", accepted: "" };
