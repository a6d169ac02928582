import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ISignal } from '@lumino/signaling';
import { Panel, Widget } from '@lumino/widgets';
import { UnexpectedAnswerError } from '../api/reading';
import { ChartView } from './chart-view';
import { defaultChoice, sensible } from './choice';
import type { IChoice } from './choice';
import { Grid } from './grid';
import { TABLE_MIME_TYPE, readTable } from './table';
import type { ITable } from './table';
import { Toolbar } from './toolbar';
import type { View } from './toolbar';

export { TABLE_MIME_TYPE } from './table';

/** Shows `application/vnd.hops.table.v1+json` as a table or as a chart. */
export class TableRenderer extends Panel implements IRenderMime.IRenderer {
  constructor(
    private readonly rendermime: IRenderMimeRegistry,
    private readonly trans: TranslationBundle,
    private readonly themeChanged: ISignal<unknown, unknown> | null
  ) {
    super();
    this.addClass('jp-Hops-table');
    // A letter typed in a select is not the notebook's command of that letter.
    this.node.dataset['lmSuppressShortcuts'] = 'true';
    this.themeChanged?.connect(this.onTheme);
  }

  renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this.clear();
    let table: ITable;
    try {
      table = readTable(model.data[TABLE_MIME_TYPE]);
    } catch (reason) {
      if (!(reason instanceof UnexpectedAnswerError)) {
        throw reason;
      }
      this.say(
        this.trans.__(
          "This table can't be read: '%1' is missing or wrong.",
          reason.field
        )
      );
      return Promise.resolve();
    }
    if (table.columns.length === 0) {
      this.say(
        this.trans.__(
          'The query gave no rows and no columns. Change it and run the cell again.'
        )
      );
      return Promise.resolve();
    }
    this.fill(table);
    return Promise.resolve();
  }

  override dispose(): void {
    this.themeChanged?.disconnect(this.onTheme);
    super.dispose();
  }

  private fill(table: ITable): void {
    const toolbar = new Toolbar(table, this.trans, {
      onView: view => {
        show(view);
      },
      onChoice: change => {
        if (view !== 'table' && choice !== null) {
          choice = sensible({ ...choice, ...change });
          chosen = true;
          show(view);
        }
      }
    });
    const grid = new Widget({ node: new Grid(table, this.trans).node });
    let view: View = 'table';
    let choice: IChoice | null = null;
    let chosen = false;
    const show = (wanted: View): void => {
      view = wanted;
      grid.setHidden(view !== 'table');
      if (view === 'table') {
        this.chart?.dispose();
        this.chart = null;
      } else {
        if (!chosen) {
          choice = defaultChoice(table, view);
        }
        if (this.chart === null) {
          this.chart = new ChartView(this.rendermime, table, this.trans);
          this.addWidget(this.chart);
        }
        this.chart.display(view, choice);
      }
      toolbar.update(view, choice);
    };
    this.addWidget(new Widget({ node: toolbar.node }));
    this.addWidget(grid);
    show(view);
  }

  private clear(): void {
    this.chart = null;
    for (const widget of [...this.widgets]) {
      widget.dispose();
    }
  }

  private say(words: string): void {
    const note = new Widget();
    note.node.className = 'jp-Hops-tableNote';
    note.node.textContent = words;
    this.addWidget(note);
  }

  private chart: ChartView | null = null;
  private readonly onTheme = (): void => {
    this.chart?.redraw();
  };
}
