// @vitest-environment node
import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CommandIDs } from '../src/commands/ids';
import { VERSION } from '../src/identity';

const ROOT = new URL('..', import.meta.url);

function read(path: string): string {
  return readFileSync(new URL(path, ROOT), 'utf8');
}

describe('the extension', () => {
  it('states the version of its package', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string };
    expect(VERSION).toBe(version);
  });

  it('declares menus, toolbars and shortcuts of commands that exist', () => {
    const declared = readdirSync(new URL('schema', ROOT)).flatMap(name =>
      [...read(`schema/${name}`).matchAll(/"command": "(hops:[^"]+)"/g)].map(
        match => match[1]
      )
    );
    expect(declared.length).toBeGreaterThan(0);
    expect(Object.values(CommandIDs)).toEqual(
      expect.arrayContaining([...new Set(declared)])
    );
  });

  it('takes its colours from the theme alone', () => {
    for (const name of ['panel', 'status', 'outputs']) {
      expect(read(`style/${name}.css`)).not.toMatch(
        /#[0-9a-f]{3,8}\b|rgba?\(|hsla?\(/i
      );
    }
  });
});
