import type { PartialJSONObject } from '@lumino/coreutils';
import type { Fields } from './reading';
import {
  readFields,
  readList,
  readNumber,
  readOptionalNumber,
  readOptionalText,
  readText
} from './reading';

/** An output of Jupyter's notebook format. */
export type Output = PartialJSONObject;

/** The last that was run of a cell, as the Spark session of its notebook tells it. */
export interface ICellRun {
  readonly statement: number;
  /** The cell's id in the notebook. */
  readonly cellId: string;
  /** The number that the cell had; null where the kernel told none. */
  readonly count: number | null;
  readonly code: string;
  readonly isRunning: boolean;
  /** When it ended, in seconds since the epoch; null while it runs. */
  readonly completed: number | null;
}

/** What was run of a notebook's cells. */
export interface INotebookRuns {
  /** The session that works for the notebook, else the last one that did, also one that has ended; null where there is none. */
  readonly session: number | null;
  readonly cells: readonly ICellRun[];
}

/** What was run of a cell, with what it has written up to now. */
export interface IRunOutputs {
  readonly run: ICellRun;
  readonly outputs: readonly Output[];
}

/** Reads the answer of `GET hops/outputs`. */
export function readNotebookRuns(value: unknown): INotebookRuns {
  const fields = readFields(value, 'outputs');
  return {
    session: readOptionalNumber(fields, 'session'),
    cells: readList(fields, 'cells', readRun)
  };
}

/** Reads the answer of `GET hops/outputs/{session}/{statement}`. */
export function readRunOutputs(value: unknown): IRunOutputs {
  const fields = readFields(value, 'outputs');
  return {
    run: readRun(fields),
    outputs: readList(fields, 'outputs', readOutput)
  };
}

function readRun(fields: Fields): ICellRun {
  return {
    statement: readNumber(fields, 'statement'),
    cellId: readOptionalText(fields, 'cell_id') ?? '',
    count: readOptionalNumber(fields, 'count'),
    code: readText(fields, 'code'),
    isRunning: fields['running'] === true,
    completed: readOptionalNumber(fields, 'completed')
  };
}

function readOutput(fields: Fields): Output {
  return {
    ...(fields as PartialJSONObject),
    output_type: readText(fields, 'output_type')
  };
}
