import type { TranslationBundle } from '@jupyterlab/translation';
import type { PanelLayout } from '@lumino/widgets';
import { FramedContent } from '../parts/framed-content';
import type { IProjectModel } from '../tokens';

/** Spark's own pages of a session. */
export class SparkPagesContent extends FramedContent {
  /**
   * @param session - number of the session.
   * @param model - tells where its pages are.
   */
  constructor(
    readonly session: number,
    private readonly model: IProjectModel,
    trans: TranslationBundle
  ) {
    super(trans);
    this.addClass('jp-Hops-sparkPages');
  }

  /** Path of the first page; null until it is known. */
  get url(): string | null {
    return this._url;
  }

  /** Shows the first page anew; where it is may differ after a start of the server. */
  async reload(): Promise<void> {
    const waiting = this.wait(this.trans.__('Reading the pages of Spark…'));
    let url: string;
    try {
      url = await this.model.sparkPages(this.session);
    } catch (reason) {
      if (!waiting.isDisposed) {
        this.fail(reason);
      }
      return;
    }
    // It was closed, or is shown anew already.
    if (waiting.isDisposed) {
      return;
    }
    this._url = url;
    const frame = this.frame(
      url,
      this.trans.__('Spark UI of session %1', this.session),
      // Their scripts fetch numbers from where the page is from, so it keeps its origin.
      ['allow-downloads', 'allow-same-origin', 'allow-scripts']
    );
    frame.node.querySelector('iframe')?.addEventListener(
      'load',
      () => {
        waiting.dispose();
      },
      { once: true }
    );
    (this.layout as PanelLayout).addWidget(frame);
  }

  private _url: string | null = null;
}
