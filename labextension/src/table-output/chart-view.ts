import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { JSONObject } from '@lumino/coreutils';
import type { Message } from '@lumino/messaging';
import { Panel, Widget } from '@lumino/widgets';
import type { ChartKind, IChoice } from './choice';
import { chartOf } from './spec';
import type { ITable } from './table';
import { chartTheme } from './theme';
import { aggregateTitle, chartWords, cutWords, problemWords } from './words';

/** What Lab's own Vega renderer draws. */
export const VEGA_LITE = 'application/vnd.vegalite.v5+json';

/** Smaller changes of the width are left to the page. */
const NOTICEABLE_PX = 16;
const SETTLED_MS = 150;
/** What the menu beside the chart takes. */
const MENU_PX = 56;
/** Where nothing is laid out. */
const SOME_WIDTH_PX = 640;

/**
 * Saves the charts as files; none of the entries that open the chart on a site
 * elsewhere. Without expressions compiled to functions, whatever data holds.
 */
const EMBED_OPTIONS = {
  renderer: 'svg',
  ast: true,
  actions: { export: true, source: false, compiled: false, editor: false }
};

/** A chart, drawn by the renderer that Lab has for Vega-Lite. */
export class ChartView extends Panel {
  constructor(
    private readonly rendermime: IRenderMimeRegistry,
    private readonly table: ITable,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-Hops-tableChart');
    this.note.node.className = 'jp-Hops-tableNote';
    this.note.node.setAttribute('role', 'status');
    this.addWidget(this.note);
  }

  /** Shows the chart as chosen; null where there are no columns to choose from. */
  display(chart: ChartKind, choice: IChoice | null): void {
    this.shown = { chart, choice };
    this.redraw();
  }

  /** Draws again, in the colours and the width that the page has now. */
  redraw(): void {
    if (this.shown === null || this.isDisposed) {
      return;
    }
    const { chart, choice } = this.shown;
    const width = this.node.clientWidth;
    if (width === 0 && this.observer !== null) {
      return; // not laid out; the observer tells when it is
    }
    this.width = width;
    const { table, trans } = this;
    const drawn =
      choice === null
        ? ({ problem: 'no-rows' } as const)
        : chartOf(table, chart, choice, {
            theme: chartTheme(),
            width: width === 0 ? SOME_WIDTH_PX : Math.max(width - MENU_PX, 120),
            titleOf: (aggregate, name) => aggregateTitle(aggregate, name, trans)
          });
    if (choice === null || 'problem' in drawn) {
      this.tell('problem' in drawn ? problemWords(drawn, trans) : '');
      return;
    }
    const cuts = drawn.cuts.map(cut => cutWords(cut, trans));
    this.draw(
      drawn.spec,
      chartWords(table, chart, choice, trans),
      cuts.join(' ')
    );
  }

  override dispose(): void {
    this.observer?.disconnect();
    window.clearTimeout(this.settling);
    super.dispose();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.observer?.observe(this.node);
  }

  protected override onBeforeDetach(message: Message): void {
    this.observer?.disconnect();
    super.onBeforeDetach(message);
  }

  private draw(spec: JSONObject, words: string, note: string): void {
    const factory = this.rendermime.getFactory(VEGA_LITE);
    if (factory === undefined) {
      this.tell(
        this.trans.__(
          'Charts are drawn by JupyterLab’s extension vega5-extension, which is switched off here. Switch it on in the Extension Manager.'
        )
      );
      return;
    }
    if (this.picture === null) {
      this.picture = this.rendermime.createRenderer(VEGA_LITE);
      this.picture.node.setAttribute('role', 'figure');
      this.insertWidget(0, this.picture);
    }
    const picture = this.picture;
    const turn = ++this.turn;
    // Something else may be chosen while a chart is being drawn.
    const wanted = (): boolean => turn === this.turn && !picture.isDisposed;
    const model = this.rendermime.createModel({
      trusted: true,
      // With a PNG beside it the renderer makes none, which would take a second drawing.
      data: { [VEGA_LITE]: spec, 'image/png': '-' },
      metadata: { [VEGA_LITE]: { embed_options: EMBED_OPTIONS } }
    });
    this.drawing = this.drawing.then(async () => {
      if (!wanted()) {
        return;
      }
      try {
        await picture.renderModel(model);
        if (wanted()) {
          picture.node.setAttribute('aria-label', words);
          this.note.node.textContent = note;
        }
      } catch (reason) {
        if (wanted()) {
          this.tell(
            this.trans.__(
              'The chart could not be drawn (%1). The table has the values.',
              reason instanceof Error ? reason.message : String(reason)
            )
          );
        }
      }
    });
  }

  private tell(words: string): void {
    this.turn += 1;
    this.picture?.dispose();
    this.picture = null;
    this.note.node.textContent = words;
  }

  private watch(): void {
    if (Math.abs(this.node.clientWidth - this.width) >= NOTICEABLE_PX) {
      window.clearTimeout(this.settling);
      this.settling = window.setTimeout(() => {
        this.redraw();
      }, SETTLED_MS);
    }
  }

  private shown: { chart: ChartKind; choice: IChoice | null } | null = null;
  private picture: IRenderMime.IRenderer | null = null;
  private drawing: Promise<void> = Promise.resolve();
  private turn = 0;
  private width = 0;
  private settling = 0;
  private readonly note = new Widget();
  private readonly observer =
    typeof ResizeObserver === 'undefined'
      ? null
      : new ResizeObserver(() => {
          this.watch();
        });
}
