import { describe, expect, it } from 'vitest';
import { readDatasetList } from '../src/api/datasets';
import { downloadPage, isOwnFile } from '../src/datasets/commands';
import {
  mayDownload,
  mayGiveBack,
  mayKnowUsers,
  mayShare,
  placeOf
} from '../src/datasets/rights';
import { DATASETS_ANSWER } from './answers';

const { items } = readDatasetList(DATASETS_ANSWER);
const [raw, levels] = items;
if (raw === undefined || levels === undefined || levels.shared === null) {
  throw new Error('two datasets are needed');
}
const open = { ...levels, shared: { ...levels.shared, download: true } };

describe('a path of the file browser', () => {
  it.each([
    ['raw', 'raw', ''],
    ['raw/2026/may.csv', 'raw', '2026/may.csv'],
    ['Shared/tides/levels', 'Shared/tides/levels', ''],
    ['Shared/tides/levels/a/b', 'Shared/tides/levels', 'a/b']
  ])('%s lies in a dataset', (path, name, inner) => {
    const place = placeOf(path, true, items);
    expect([place?.dataset.name, place?.inner]).toEqual([name, inner]);
  });

  it.each([
    '',
    'Shared',
    'Shared/tides',
    'Shared/tides/other',
    'rawer',
    'absent/raw'
  ])('%j lies in none', path => {
    expect(placeOf(path, true, items)).toBeNull();
  });
});

describe('what is offered', () => {
  it.each([
    // dataset, role, share, download, give back, who has it
    [raw, 'data_owner', true, true, false, true],
    [raw, 'data_scientist', false, false, false, true],
    [raw, null, false, false, false, true],
    [levels, 'data_owner', false, false, true, false],
    [open, 'data_owner', false, true, true, false],
    [open, 'data_scientist', false, false, false, false]
  ] as const)(
    'of %j to a %s',
    (dataset, role, share, download, back, users) => {
      expect(mayShare(dataset, role)).toBe(share);
      expect(mayDownload(dataset, role)).toBe(download);
      expect(mayGiveBack(dataset, role)).toBe(back);
      expect(mayKnowUsers(dataset)).toBe(users);
    }
  );

  it('is downloaded from the page of the folder', () => {
    const place = { dataset: open, inner: '20 26/may.csv', isFolder: false };
    expect(downloadPage(place)).toBe(`${open.page}#/20%2026`);
    expect(downloadPage({ ...place, isFolder: true })).toBe(
      `${open.page}#/20%2026/may.csv`
    );
    expect(downloadPage({ ...place, inner: 'may.csv' })).toBe(open.page);
  });
});

describe('a dataset on the storage', () => {
  const [raw] = readDatasetList({
    ...DATASETS_ANSWER,
    items: [{ ...DATASETS_ANSWER.items[0], stored: true }]
  }).items;

  it('is downloaded from its page, where its files are', () => {
    expect(raw).toBeDefined();
    if (raw !== undefined) {
      const place = { dataset: raw, inner: 'may.csv', isFolder: false };
      expect(isOwnFile(place)).toBe(false);
      const onDisk = { ...raw, isStored: false };
      expect(isOwnFile({ ...place, dataset: onDisk })).toBe(true);
    }
  });
});

describe('answers', () => {
  it('lead nowhere else, and unknown terms are the least', () => {
    const [item] = readDatasetList({
      ...DATASETS_ANSWER,
      items: [
        {
          ...DATASETS_ANSWER.items[1],
          page: 'https://evil.example/',
          sharing: '//evil.example',
          shared: {
            project: 'tides',
            dataset: 'levels',
            mode: 'own',
            download: 'yes'
          }
        }
      ]
    }).items;
    expect([item?.page, item?.sharing]).toEqual(['/', '/']);
    expect([item?.shared?.mode, item?.shared?.download]).toEqual([
      'read',
      false
    ]);
  });
});
