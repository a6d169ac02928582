import type { TranslationBundle } from '@jupyterlab/translation';
import { folderIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

/** A dataset in a list: a button that leads to its folder, and what there is to say of it. */
export function DatasetRow(props: {
  readonly name: string;
  /** What stands on the button. */
  readonly text: string;
  readonly remarks: readonly (string | null)[];
  readonly trans: TranslationBundle;
  readonly onOpen: () => void;
  /** What stands beside the button. */
  readonly children?: React.ReactNode;
}): React.JSX.Element {
  const id = React.useId();
  const { name, text, trans, onOpen, children } = props;
  const remarks = props.remarks.filter(remark => remark !== null);
  return (
    <li className="jp-Hops-item jp-Hops-dataset">
      <div className="jp-Hops-itemRow">
        <button
          type="button"
          className="jp-Hops-datasetButton"
          title={trans.__('Show %1 in the file browser', name)}
          aria-label={trans.__('Open dataset %1', text)}
          aria-describedby={remarks.length > 0 ? id : undefined}
          onClick={onOpen}
        >
          <folderIcon.react tag="span" className="jp-Hops-buttonIcon" />
          {text}
        </button>
        {children}
      </div>
      {remarks.length > 0 && (
        <div id={id} className="jp-Hops-muted">
          {remarks.map(remark => (
            <p key={remark}>{remark}</p>
          ))}
        </div>
      )}
    </li>
  );
}
