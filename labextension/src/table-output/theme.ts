import type { IChartTheme } from './spec';

/** Lab's colours and font as they are now: a chart knows no CSS variables. */
export function chartTheme(): IChartTheme {
  const style = getComputedStyle(document.body);
  const read = (name: string, otherwise: string): string =>
    style.getPropertyValue(name).trim() || otherwise;
  return {
    text: read('--jp-ui-font-color1', '#333'),
    line: read('--jp-border-color2', '#ccc'),
    accent: read('--jp-brand-color1', '#1976d2'),
    font: read('--jp-ui-font-family', 'sans-serif')
  };
}
