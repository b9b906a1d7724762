"""The mine on Databricks: what the bundle adds to the pipeline file, and what it makes of its definitions.

Two kinds of modules live here. Some run there, beside the pipeline file, and import nothing that the platform lacks: `realtime`,
`quarantine`, `refusals`, and the tasks of the jobs (`task`, `set_up`, `check`, `statements`, `landing`). The others run when the
bundle is deployed and turn definitions into resources: `resources`, `definitions`, `upkeep`, `genie`, `questions`.
"""
