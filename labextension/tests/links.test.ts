import { describe, expect, it } from 'vitest';
import { pathInLab } from '../src/links/path';

const BASE = 'http://127.0.0.1:8000/user/ada/weather/';

describe('pathInLab', () => {
  it.each([
    ['lab/tree/Experiments/run_1/output.log', 'Experiments/run_1/output.log'],
    ['lab/tree/Experiments/a%3D1%26b%3D2/x.log', 'Experiments/a=1&b=2/x.log'],
    ['lab/tree/Jupyter/a.ipynb?reset#part', 'Jupyter/a.ipynb'],
    ['lab/tree/', null],
    ['lab/tree/%', null],
    ['hops/tensorboards/1/', null],
    ['files/Resources/a.csv', null]
  ])('reads %s', (rest, path) => {
    expect(pathInLab(BASE + rest, BASE)).toBe(path);
  });

  it.each([
    'http://127.0.0.1:8000/user/bob/weather/lab/tree/a',
    'https://example.org/user/ada/weather/lab/tree/a'
  ])('leaves %s to the browser', href => {
    expect(pathInLab(href, BASE)).toBeNull();
  });
});
