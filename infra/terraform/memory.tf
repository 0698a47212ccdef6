# The memory of each function: memory_mb of functions.json is enough for a list of 1,000 lines, memory_mb_per_1000 is added
# for each further thousand that is begun. infra/facts.py computes the same.

locals {
  # The symbols files in force, by the names of those that they take the place of.
  symbols_files = { for file in distinct(compact([for contract in local.contracts : try(contract.symbols.file, "")])) : file => file == "constituents.csv" ? var.constituents_file : "${local.root}/functions/marketlake/contracts/${file}" }
  lines         = [for path in values(local.symbols_files) : length(csvdecode(file(path)))]
  further       = max(0, ceil(max(local.lines...) / 1000) - 1)
  memory_mb     = { for name, function in local.functions : name => function.memory_mb + try(function.memory_mb_per_1000, 0) * local.further }
}
