import { LabIcon } from '@jupyterlab/ui-components';
import datasetsSvg from '../../style/icons/datasets.svg';
import projectSvg from '../../style/icons/project.svg';
import sessionsSvg from '../../style/icons/sessions.svg';
import tensorboardSvg from '../../style/icons/tensorboard.svg';

/** A project: people around what they share. */
export const projectIcon = new LabIcon({
  name: 'jupyterlab-hops:project',
  svgstr: projectSvg
});

/** Curves of a training. */
export const tensorboardIcon = new LabIcon({
  name: 'jupyterlab-hops:tensorboard',
  svgstr: tensorboardSvg
});

/** Spark sessions: what runs, one above the other. */
export const sessionsIcon = new LabIcon({
  name: 'jupyterlab-hops:sessions',
  svgstr: sessionsSvg
});

/** Datasets: what is kept. */
export const datasetsIcon = new LabIcon({
  name: 'jupyterlab-hops:datasets',
  svgstr: datasetsSvg
});
