import { ServerConnection } from '@jupyterlab/services';
import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';
import type { IProblem } from '../src/api/problem';
import { ProblemError } from '../src/api/problem';
import { jsonBody, makeAsk } from '../src/api/requests';

const trans = nullTranslator.load('jupyterlab_hops');

function askOf(
  answer: (request: Request) => Response | Promise<Response>
): ReturnType<typeof makeAsk> {
  const settings = ServerConnection.makeSettings({
    baseUrl: 'http://lab.test/user/ada/weather/',
    fetch: (input, init) => Promise.resolve(answer(new Request(input, init))),
    init: {}
  });
  return makeAsk(settings, trans);
}

async function problemOf(promise: Promise<unknown>): Promise<IProblem> {
  const reason = await promise.then(
    () => null,
    (error: unknown) => error
  );
  if (!(reason instanceof ProblemError)) {
    throw new Error('There was no problem.');
  }
  return reason.problem;
}

describe('a request to the server extension', () => {
  it('goes below hops/ of this server and carries JSON', async () => {
    let asked: Request | null = null;
    const ask = askOf(request => {
      asked = request;
      return Response.json({ id: 'x' });
    });
    const answer = await ask(
      'tensorboards',
      value => value,
      jsonBody('POST', { logdir: 'Experiments' })
    );
    expect(answer).toEqual({ id: 'x' });
    expect(asked).toMatchObject({
      method: 'POST',
      url: 'http://lab.test/user/ada/weather/hops/tensorboards'
    });
  });

  it('shows the problem that the server extension tells', async () => {
    const problem = {
      title: 'Too many',
      detail: 'Eight TensorBoards run already.',
      remedy: 'Stop one.',
      status: 409
    };
    const ask = askOf(() => Response.json(problem, { status: 409 }));
    expect(await problemOf(ask('tensorboards', value => value))).toEqual(
      problem
    );
  });

  it.each([
    [403, 'Reload'.toLowerCase()],
    [404, 'restart your server'],
    [503, 'start it again'],
    [500, 'administrator']
  ])('says what to do about a bare %i', async (status, remedy) => {
    const ask = askOf(() => new Response('<html></html>', { status }));
    const problem = await problemOf(ask('project', value => value));
    expect(problem.status).toBe(status);
    expect(problem.remedy?.toLowerCase()).toContain(remedy);
  });

  it('says so when nobody answers', async () => {
    const ask = askOf(() => Promise.reject(new TypeError('refused')));
    const problem = await problemOf(ask('project', value => value));
    expect(problem.title).toBe('No answer');
    expect(problem.remedy).not.toBeNull();
  });

  it('says so when the answer is not JSON', async () => {
    const ask = askOf(() => new Response('<html></html>'));
    const problem = await problemOf(ask('project', value => value));
    expect(problem.title).toBe('Unexpected answer');
  });
});
