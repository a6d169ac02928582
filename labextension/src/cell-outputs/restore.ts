import type { ICellRun, Output } from '../api/outputs';
import { readNotebookRuns, readRunOutputs } from '../api/outputs';
import type { Ask } from '../api/requests';
import type { ICode, INotebookTab } from './notebook';

const MS_PER_S = 1_000;
/** The pause between two looks at a cell that runs. */
const PAUSE_MS = 1_500;

/**
 * Whether what `run` wrote belongs into `cell` and is not there: it still runs,
 * or ended after the notebook was saved. What was edited since is left alone.
 *
 * @param saved - when the notebook was saved last, in seconds since the epoch; NaN where that is not known.
 */
export function isMissing(run: ICellRun, cell: ICode, saved: number): boolean {
  if (cell.type !== 'code' || trimmed(cell) !== run.code.trim()) {
    return false;
  }
  return run.isRunning || (run.completed !== null && run.completed > saved);
}

/**
 * Puts what the cells of `tab` wrote while it was not open into the notebook,
 * and goes on with the one that runs until its end.
 *
 * @throws ProblemError when the session service can't be asked.
 */
export async function restoreOutputs(
  tab: INotebookTab,
  ask: Ask,
  pause: (ms: number) => Promise<void> = wait
): Promise<void> {
  const { context } = tab;
  const saved =
    Date.parse(context.contentsModel?.last_modified ?? '') / MS_PER_S;
  const { session, cells } = await ask(
    `outputs?notebook=${encodeURIComponent(context.path)}`,
    readNotebookRuns
  );
  if (session === null) {
    return;
  }
  const codes = new Map([...context.model.cells].map(cell => [cell.id, cell]));
  await Promise.all(
    cells.map(async run => {
      const cell = codes.get(run.cellId);
      if (cell !== undefined && isMissing(run, cell, saved)) {
        const path = `outputs/${session}/${run.statement}`;
        await follow(cell, path, tab, ask, pause);
      }
    })
  );
}

async function follow(
  cell: ICode,
  path: string,
  tab: INotebookTab,
  ask: Ask,
  pause: (ms: number) => Promise<void>
): Promise<void> {
  let before = said(cell.outputs.toJSON());
  for (;;) {
    const { run, outputs } = await ask(path, readRunOutputs);
    // Who has run the cell again, cleared it or closed the tab meanwhile goes on without us.
    if (tab.isDisposed || said(cell.outputs.toJSON()) !== before) {
      return;
    }
    if (said(outputs) !== before) {
      cell.outputs.fromJSON([...outputs]);
      before = said(cell.outputs.toJSON());
    }
    cell.executionState = run.isRunning ? 'running' : 'idle';
    if (!run.isRunning) {
      cell.executionCount = run.count;
      return;
    }
    await pause(PAUSE_MS);
  }
}

function trimmed(cell: ICode): string {
  return cell.sharedModel.getSource().trim();
}

function said(outputs: readonly Output[]): string {
  return JSON.stringify(outputs);
}

function wait(ms: number): Promise<void> {
  return new Promise(resolve => {
    window.setTimeout(resolve, ms);
  });
}
