"""Compares support vector machines on handwritten digits and keeps the best one, in a session or with spark-submit."""

from __future__ import annotations

from hops import experiment, hdfs
from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()


def classify(kernel: str, penalty: float) -> dict[str, float | str]:
    import joblib  # noqa: PLC0415  # a trial imports what it needs where it runs
    from sklearn.datasets import load_digits  # noqa: PLC0415
    from sklearn.model_selection import cross_val_score  # noqa: PLC0415
    from sklearn.svm import SVC  # noqa: PLC0415

    pixels, labels = load_digits(return_X_y=True)
    model = SVC(kernel=kernel, C=penalty)
    scores = cross_val_score(model, pixels, labels, cv=3)
    print("scores of the three folds:", scores)
    joblib.dump(model.fit(pixels, labels), "model.joblib")
    return {"accuracy": scores.mean(), "deviation": scores.std(), "model": "model.joblib"}


result = experiment.grid_search(
    classify,
    {"kernel": ["linear", "rbf"], "penalty": [0.1, 1.0, 10.0]},
    optimization_key="accuracy",
    name="classifiers",
    description="kernels and penalties of a support vector machine on the digits",
)
logdir, best_parameters, best_outputs = result
for trial in result.trials:
    print(trial.parameters, trial.metric, trial.seconds)
print("best:", best_parameters, best_outputs["accuracy"])
print(
    "kept:",
    hdfs.copy_to_hdfs(hdfs.copy_to_local(best_outputs["model"], overwrite=True), "Models/digits", overwrite=True),
)
