import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';
import {
  UnexpectedAnswerError,
  readFields,
  readNumber,
  readOptionalText,
  readText
} from '../api/reading';
import { tensorboardIcon } from '../parts/icons';

/** What `tensorboard.visualize` displays. */
export const TENSORBOARD_MIME_TYPE = 'application/vnd.hops.tensorboard+json';

/** A display younger than this opens its tab by itself. */
const FRESH_S = 15;
const MS_PER_S = 1000;

/** A TensorBoard to look at. */
export interface ITensorBoardDisplay {
  readonly logdir: string;
  readonly title: string;
  /** Seconds since the epoch. */
  readonly created: number;
}

/**
 * Reads a TensorBoard display.
 *
 * @throws UnexpectedAnswerError when a field is missing.
 */
export function readDisplay(value: unknown): ITensorBoardDisplay {
  const fields = readFields(value, TENSORBOARD_MIME_TYPE);
  const logdir = readText(fields, 'logdir');
  return {
    logdir,
    title: readOptionalText(fields, 'title') ?? logdir,
    created: readNumber(fields, 'created')
  };
}

/** Remembers which displays have opened their tab, so that each does it once. */
export class OpenedDisplays {
  /**
   * Whether `display` should open its tab now (`now` in seconds since the
   * epoch): it is fresh and has not done so yet.
   */
  claim(display: ITensorBoardDisplay, now: number): boolean {
    const key = `${display.created} ${display.logdir}`;
    if (Math.abs(now - display.created) >= FRESH_S || this.keys.has(key)) {
      return false;
    }
    this.keys.add(key);
    return true;
  }

  private readonly keys = new Set<string>();
}

/** Opens the TensorBoard over `logdir`; `beside` leaves the notebook in front. */
export type OpenTensorBoard = (logdir: string, beside: boolean) => void;

/** Shows a button that opens the TensorBoard; a fresh display presses it itself. */
export class TensorBoardRenderer
  extends Widget
  implements IRenderMime.IRenderer
{
  constructor(
    private readonly opened: OpenedDisplays,
    private readonly open: OpenTensorBoard,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-Hops-tensorboardOutput');
  }

  renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    let display: ITensorBoardDisplay;
    try {
      display = readDisplay(model.data[TENSORBOARD_MIME_TYPE]);
    } catch (reason) {
      if (!(reason instanceof UnexpectedAnswerError)) {
        throw reason;
      }
      this.node.textContent = this.trans.__(
        "This TensorBoard display can't be read: '%1' is missing or wrong.",
        reason.field
      );
      return Promise.resolve();
    }
    this.node.replaceChildren(this.button(display));
    if (model.trusted && this.opened.claim(display, Date.now() / MS_PER_S)) {
      this.open(display.logdir, true);
    }
    return Promise.resolve();
  }

  private button(display: ITensorBoardDisplay): HTMLButtonElement {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'jp-Hops-button jp-mod-styled';
    button.title = display.logdir;
    tensorboardIcon.element({
      container: button.appendChild(document.createElement('span')),
      className: 'jp-Hops-buttonIcon'
    });
    const label = button.appendChild(document.createElement('span'));
    label.className = 'jp-Hops-buttonLabel';
    label.textContent = this.trans.__('Open TensorBoard: %1', display.title);
    button.addEventListener('click', () => {
      this.open(display.logdir, false);
    });
    return button;
  }
}
