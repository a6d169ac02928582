import type { Contents } from '@jupyterlab/services';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { Widget } from '@lumino/widgets';
import { Panel } from '@lumino/widgets';
import * as React from 'react';
import { problemOf } from '../api/problem';
import { ProblemView } from '../parts/problem';

/** A README is read so far. */
const MOST_CHARACTERS = 65_536;

/** A README as Lab shows Markdown that it does not trust: without scripts. */
export class Readme extends Panel {
  constructor(
    private readonly path: string,
    private readonly contents: Pick<Contents.IManager, 'get'>,
    private readonly rendermime: IRenderMimeRegistry,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-Hops-readme');
  }

  /** Reads it and shows it, or why it could not be read. */
  async read(): Promise<void> {
    let shown: Widget;
    try {
      shown = await this.rendered();
    } catch (reason) {
      const { trans } = this;
      shown = ReactWidget.create(
        <ProblemView
          problem={problemOf(reason, trans)}
          trans={trans}
          onRetry={() => {
            void this.read();
          }}
        />
      );
    }
    for (const widget of [...this.widgets]) {
      widget.dispose();
    }
    this.addWidget(shown);
  }

  private async rendered(): Promise<Widget> {
    const file = await this.contents.get(this.path, {
      type: 'file',
      format: 'text',
      content: true
    });
    const text = String(file.content).slice(0, MOST_CHARACTERS);
    const renderer = this.rendermime.createRenderer('text/markdown');
    await renderer.renderModel(
      this.rendermime.createModel({
        data: { 'text/markdown': text },
        trusted: false
      })
    );
    return renderer;
  }
}
