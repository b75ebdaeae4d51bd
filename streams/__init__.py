"""The stream's logic: folds and decisions (pure), tables, the app that runs them, the commands that start it."""
