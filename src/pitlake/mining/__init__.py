"""The application: one mine's site data, its simulator, its transformations and the pipeline that registers them."""
