/**
 * Problem details (RFC 9457): the one shape of an error.
 *
 * What is shown to a person always has a cause (`detail`) and, wherever there
 * is one, something to do about it (`remedy`).
 */
import type { TranslationBundle } from '@jupyterlab/translation';

/** What went wrong, and what to do about it. */
export interface IProblem {
  /** The kind of problem in a few words. */
  readonly title: string;
  /** What happened here. */
  readonly detail: string;
  /** What the reader can do, or null. */
  readonly remedy: string | null;
  /** The HTTP status; 0 when there was no answer at all. */
  readonly status: number;
}

/** An error that carries its problem. */
export class ProblemError extends Error {
  constructor(readonly problem: IProblem) {
    super(problem.detail);
    this.name = 'ProblemError';
  }
}

/** The problem of anything that was thrown. */
export function problemOf(reason: unknown, trans: TranslationBundle): IProblem {
  if (reason instanceof ProblemError) {
    return reason.problem;
  }
  return {
    title: trans.__('Unexpected error'),
    detail: reason instanceof Error ? reason.message : String(reason),
    remedy: trans.__(
      'Reload this page; if it stays so, tell an administrator.'
    ),
    status: 0
  };
}
