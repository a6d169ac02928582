/** The way to the server extension: one request, its answer read or its problem thrown. */
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IProblem } from './problem';
import { ProblemError } from './problem';
import { UnexpectedAnswerError } from './reading';
import { readProblem } from './wire';

const NAMESPACE = 'hops';
/** Longest time that an answer may take; a TensorBoard needs some ten seconds to start. */
const PATIENCE_MS = 60_000;

/** Asks the server extension; throws a {@link ProblemError} when it can't or won't answer. */
export type Ask = <T>(
  path: string,
  read: (answer: unknown) => T,
  init?: RequestInit
) => Promise<T>;

/** An {@link Ask} that uses the connection `settings`. */
export function makeAsk(
  settings: ServerConnection.ISettings,
  trans: TranslationBundle
): Ask {
  return async (path, read, init = {}) => {
    const url = URLExt.join(settings.baseUrl, NAMESPACE, path);
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(
        url,
        { ...init, signal: AbortSignal.timeout(PATIENCE_MS) },
        settings
      );
    } catch {
      throw new ProblemError(noAnswer(trans));
    }
    if (!response.ok) {
      throw new ProblemError(await problemOfResponse(response, trans));
    }
    try {
      return read(response.status === 204 ? null : await response.json());
    } catch (reason) {
      throw new ProblemError(unexpectedAnswer(reason, trans));
    }
  };
}

/** A request that carries JSON. */
export function jsonBody(method: string, body: unknown): RequestInit {
  return {
    method,
    body: JSON.stringify(body),
    headers: { 'Content-Type': 'application/json' }
  };
}

async function problemOfResponse(
  response: Response,
  trans: TranslationBundle
): Promise<IProblem> {
  try {
    return readProblem(await response.json());
  } catch {
    // Not from the server extension: the proxy, the Hub or Jupyter itself answered.
    return problemOfStatus(response.status, trans);
  }
}

function noAnswer(trans: TranslationBundle): IProblem {
  return {
    title: trans.__('No answer'),
    detail: trans.__('Your notebook server does not answer.'),
    remedy: trans.__(
      'Check your network; if the server was stopped, start it again from your projects.'
    ),
    status: 0
  };
}

function unexpectedAnswer(reason: unknown, trans: TranslationBundle): IProblem {
  return {
    title: trans.__('Unexpected answer'),
    detail:
      reason instanceof UnexpectedAnswerError
        ? trans.__(
            "Your notebook server answered without a usable '%1'.",
            reason.field
          )
        : trans.__(
            'Your notebook server answered with something else than JSON.'
          ),
    remedy: trans.__(
      'Restart your server: Lab and its server extension may be of different versions.'
    ),
    status: 0
  };
}

function problemOfStatus(status: number, trans: TranslationBundle): IProblem {
  switch (status) {
    case 401:
    case 403:
      return {
        title: trans.__('Not logged in'),
        detail: trans.__('Your notebook server no longer knows you.'),
        remedy: trans.__(
          'Save your work, then reload this page to log in again.'
        ),
        status
      };
    case 404:
      return {
        title: trans.__('Server extension missing'),
        detail: trans.__(
          'This notebook server has no HopsLab server extension (jupyterlab_hops).'
        ),
        remedy: trans.__(
          'Restart your server; if it stays so, tell an administrator.'
        ),
        status
      };
    case 424:
    case 502:
    case 503:
    case 504:
      return {
        title: trans.__('Server stopped'),
        detail: trans.__('Your notebook server is not running.'),
        remedy: trans.__('Start it again from your projects.'),
        status
      };
    default:
      return {
        title: trans.__('Failed'),
        detail: trans.__(
          'The notebook server answered with status %1.',
          status
        ),
        remedy: trans.__('Try again; if it stays so, tell an administrator.'),
        status
      };
  }
}
