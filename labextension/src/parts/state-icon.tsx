import * as React from 'react';
import { moodOf } from './states';
import type { Mood } from './states';

/** A shape for each mood, so that it can be told without colours. */
const SHAPES: Readonly<Record<Mood, string>> = {
  // A tick.
  calm: 'M2.2 6.3 4.8 9 9.8 3.4',
  // An arrow to the right, as on a button that plays.
  working: 'M3.5 2.2v7.6L9.8 6z',
  // A cross.
  broken: 'M2.7 2.7l6.6 6.6M9.3 2.7 2.7 9.3',
  // A bar.
  gone: 'M2.2 6h7.6'
};

/** A state's shape and colour; the state stands in words beside it. */
export function StateIcon(props: {
  readonly state: string;
}): React.JSX.Element {
  const mood = moodOf(props.state);
  return (
    <svg
      className={`jp-Hops-stateIcon jp-mod-${mood}`}
      viewBox="0 0 12 12"
      aria-hidden="true"
    >
      <path d={SHAPES[mood]} />
    </svg>
  );
}
