import type { TranslationBundle } from '@jupyterlab/translation';
import { ProblemError } from '../api/problem';
import { readFields, readOptionalText } from '../api/reading';
import type { Ask } from '../api/requests';
import { tellFailure } from '../commands/failure';

/** Says why `kernel`, that of `name`, was ended, where that was a limit. That it has ended is said by Lab. */
export async function sayWhy(
  name: string,
  kernel: string,
  ask: Ask,
  trans: TranslationBundle
): Promise<void> {
  // Asked at once: after some seconds nobody is told any more.
  if (kernel === '') {
    return;
  }
  const reason = await ask(
    `limited?kernel=${encodeURIComponent(kernel)}`,
    readReason
  );
  if (reason !== null) {
    const problem = {
      title: trans.__('Kernel ended'),
      // Lab shows no more than 140 letters, title included; the rest stands behind *Details*.
      detail: trans.__(
        '%1 was ended by a limit, and its variables are lost.',
        name
      ),
      remedy: reason,
      status: 0
    };
    tellFailure(new ProblemError(problem), trans);
  }
}

function readReason(answer: unknown): string | null {
  return readOptionalText(readFields(answer, 'limited'), 'reason');
}
