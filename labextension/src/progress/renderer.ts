import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';
import {
  UnexpectedAnswerError,
  readFields,
  readNumber,
  readOptionalText
} from '../api/reading';

/** The display of a running experiment, updated in place. */
export const PROGRESS_MIME_TYPE = 'application/vnd.hops.progress+json';

const SVG = 'http://www.w3.org/2000/svg';

/** How far an experiment is. */
export interface IProgress {
  readonly label: string;
  readonly total: number;
  /** Trials that have ended, failed ones among them. */
  readonly done: number;
  /** How many of those that have ended have failed. */
  readonly failed: number;
  readonly running: number;
}

/**
 * Reads a progress display; no count is negative, `failed` is at most `done`,
 * and `done` and `running` together are at most `total`.
 *
 * @throws UnexpectedAnswerError when a field is missing.
 */
export function readProgress(value: unknown): IProgress {
  const fields = readFields(value, PROGRESS_MIME_TYPE);
  const total = Math.max(0, readNumber(fields, 'total'));
  const count = (field: string, most: number): number =>
    Math.min(most, Math.max(0, readNumber(fields, field)));
  const done = count('done', total);
  return {
    label: readOptionalText(fields, 'label') ?? '',
    total,
    done,
    failed: count('failed', done),
    running: count('running', total - done)
  };
}

/** Shows `application/vnd.hops.progress+json` as a bar with its counts in words. */
export class ProgressRenderer extends Widget implements IRenderMime.IRenderer {
  constructor(private readonly trans: TranslationBundle) {
    super();
    this.addClass('jp-Hops-progress');
  }

  renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    try {
      this.display(readProgress(model.data[PROGRESS_MIME_TYPE]));
    } catch (reason) {
      if (!(reason instanceof UnexpectedAnswerError)) {
        throw reason;
      }
      this.node.textContent = this.trans.__(
        "This progress display can't be read: '%1' is missing or wrong.",
        reason.field
      );
    }
    return Promise.resolve();
  }

  private display(progress: IProgress): void {
    const { trans } = this;
    const counts = [
      trans.__('%1 of %2 done', progress.done, progress.total),
      progress.running > 0 ? trans.__('%1 running', progress.running) : '',
      progress.failed > 0 ? trans.__('%1 failed', progress.failed) : ''
    ].filter(text => text !== '');

    const caption = document.createElement('div');
    caption.className = 'jp-Hops-progressCaption';
    const label = document.createElement('strong');
    label.textContent = progress.label;
    const words = document.createElement('span');
    words.textContent = counts.join(' · ');
    caption.append(label, words);

    const bar = document.createElement('div');
    bar.className = 'jp-Hops-progressBar';
    bar.setAttribute('role', 'progressbar');
    bar.setAttribute('aria-label', progress.label || trans.__('Progress'));
    bar.setAttribute('aria-valuemin', '0');
    bar.setAttribute('aria-valuemax', String(progress.total));
    bar.setAttribute('aria-valuenow', String(progress.done));
    bar.setAttribute('aria-valuetext', counts.join(', '));
    bar.append(segments(progress));

    this.node.replaceChildren(caption, bar);
  }
}

/** The bar's segments, as wide as their counts: ended well, failed, running. */
function segments(progress: IProgress): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', `0 0 ${Math.max(1, progress.total)} 1`);
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('aria-hidden', 'true');
  const widths = {
    done: progress.done - progress.failed,
    failed: progress.failed,
    running: progress.running
  };
  let x = 0;
  for (const [kind, width] of Object.entries(widths)) {
    const rect = document.createElementNS(SVG, 'rect');
    rect.setAttribute('class', `jp-mod-${kind}`);
    rect.setAttribute('x', String(x));
    rect.setAttribute('width', String(width));
    rect.setAttribute('height', '1');
    svg.append(rect);
    x += width;
  }
  return svg;
}
