import type { TranslationBundle } from '@jupyterlab/translation';
import { AGGREGATES, CHARTS, numberColumns } from './choice';
import type { Aggregate, ChartKind, IChoice } from './choice';
import type { ITable } from './table';
import { aggregateName, chartName } from './words';

/** What an output shows. */
export type View = 'table' | ChartKind;

/** Who hears what is pressed and chosen. */
export interface IToolbarListener {
  readonly onView: (view: View) => void;
  readonly onChoice: (change: Partial<IChoice>) => void;
}

const NONE = '';

/** Buttons for table and charts, and selects for what the chart shows. */
export class Toolbar {
  readonly node = document.createElement('div');

  constructor(
    table: ITable,
    private readonly trans: TranslationBundle,
    listener: IToolbarListener
  ) {
    this.node.className = 'jp-Hops-tableToolbar';
    const views = document.createElement('div');
    views.className = 'jp-Hops-tableViews';
    views.setAttribute('role', 'group');
    views.setAttribute('aria-label', trans.__('Show as'));
    for (const view of ['table', ...CHARTS] as const) {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent =
        view === 'table' ? trans.__('Table') : chartName(view, trans);
      button.addEventListener('click', () => {
        listener.onView(view);
      });
      this.buttons.set(view, button);
      views.append(button);
    }
    const columns = table.columns.map(({ name }, place): Option => [
      String(place),
      name
    ]);
    const numbers = new Set(numberColumns(table).map(String));
    const numeric = columns.filter(([place]) => numbers.has(place));
    this.x = select(columns, value => {
      listener.onChoice({ x: Number(value) });
    });
    this.y = select(
      numeric.length > 0 ? numeric : [[NONE, trans.__('(rows)')]],
      value => {
        listener.onChoice({ y: value === NONE ? null : Number(value) });
      }
    );
    this.colour = select([[NONE, trans.__('(none)')], ...columns], value => {
      listener.onChoice({ colour: value === NONE ? null : Number(value) });
    });
    this.aggregate = select(
      AGGREGATES.map(name => [name, aggregateName(name, trans)]),
      value => {
        listener.onChoice({ aggregate: value as Aggregate });
      }
    );
    this.choices.className = 'jp-Hops-tableChoices';
    this.choices.setAttribute('role', 'group');
    this.choices.setAttribute('aria-label', trans.__('What the chart shows'));
    this.choices.append(
      labelled(this.xLabel, this.x),
      labelled(this.yLabel, this.y),
      labelled(word(trans.__('Aggregation')), this.aggregate),
      this.colourPart
    );
    this.colourPart.append(word(trans.__('Colour')), this.colour);
    this.node.append(views, this.choices);
  }

  /** Shows what is shown; `choice` is null where there is nothing to choose. */
  update(view: View, choice: IChoice | null): void {
    for (const [name, button] of this.buttons) {
      button.setAttribute('aria-pressed', String(name === view));
    }
    this.choices.hidden = view === 'table' || choice === null;
    if (choice === null) {
      return;
    }
    const pie = view === 'pie';
    this.xLabel.textContent = pie
      ? this.trans.__('Slices')
      : this.trans.__('X');
    this.yLabel.textContent = pie ? this.trans.__('Sizes') : this.trans.__('Y');
    this.colourPart.hidden = pie;
    this.x.value = String(choice.x);
    this.y.value = choice.y === null ? NONE : String(choice.y);
    this.y.disabled = choice.aggregate === 'count';
    this.colour.value = choice.colour === null ? NONE : String(choice.colour);
    this.aggregate.value = choice.aggregate;
    this.aggregate.disabled = choice.y === null;
  }

  private readonly buttons = new Map<View, HTMLButtonElement>();
  private readonly choices = document.createElement('div');
  private readonly colourPart = document.createElement('label');
  private readonly xLabel = word('X');
  private readonly yLabel = word('Y');
  private readonly x: HTMLSelectElement;
  private readonly y: HTMLSelectElement;
  private readonly colour: HTMLSelectElement;
  private readonly aggregate: HTMLSelectElement;
}

/** Value and words of an option. */
type Option = readonly [string, string];

function select(
  options: readonly Option[],
  onChange: (value: string) => void
): HTMLSelectElement {
  const element = document.createElement('select');
  for (const [value, words] of options) {
    const option = document.createElement('option');
    option.value = value;
    option.textContent = words;
    element.append(option);
  }
  element.addEventListener('change', () => {
    onChange(element.value);
  });
  return element;
}

function word(text: string): HTMLSpanElement {
  const span = document.createElement('span');
  span.textContent = text;
  return span;
}

function labelled(
  name: HTMLSpanElement,
  element: HTMLSelectElement
): HTMLLabelElement {
  const label = document.createElement('label');
  label.append(name, element);
  return label;
}
