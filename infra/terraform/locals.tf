# Facts that the local deployment and the functions need too are read from the files where they are written once.

locals {
  on_emulator = var.local_endpoint != null
  root        = "${path.module}/../.."
  account_id  = data.aws_caller_identity.current.account_id
  partition   = data.aws_partition.current.partition
  arn_suffix  = "${var.region}:${local.account_id}"

  names = jsondecode(templatefile("${path.module}/names.json.tftpl", {
    prefix     = var.prefix
    region     = var.region
    account_id = local.account_id
    database   = replace(var.prefix, "-", "_")
  }))

  functions  = jsondecode(file("${local.root}/functions/functions.json")).functions
  contracts  = { for path in fileset("${local.root}/functions/marketlake/contracts", "*.json") : trimsuffix(path, ".json") => jsondecode(file("${local.root}/functions/marketlake/contracts/${path}")) }
  parameters = merge(jsondecode(file("${local.root}/statemachine/parameters.json")), var.parameters)

  function_names = { for name in keys(local.functions) : name => "${local.names.function_prefix}${replace(name, "_", "-")}" }
  function_arns  = { for name, full in local.function_names : name => "arn:${local.partition}:lambda:${local.arn_suffix}:function:${full}" }

  # ARNs are put together from names, so that definition, environment and policies are known when planning (and AWS
  # validates the definition then), and so that roles, functions and state machine can refer to each other.
  state_machine_arn = "arn:${local.partition}:states:${local.arn_suffix}:stateMachine:${local.names.state_machine}"
  topic_arn         = "arn:${local.partition}:sns:${local.arn_suffix}:${local.names.topic}"
  dlq_arn           = "arn:${local.partition}:sqs:${local.arn_suffix}:${local.names.dlq}"

  # What the templates (functions.json, pipeline.asl.json, policies) may name. The local deployment renders the same.
  template = merge(
    local.names,
    local.parameters,
    {
      prefix            = var.prefix
      partition         = local.partition
      region            = var.region
      account_id        = local.account_id
      state_machine_arn = local.state_machine_arn
      topic_arn         = local.topic_arn
      dlq_arn           = local.dlq_arn
      operator_command  = local.on_emulator ? "marketlake" : "marketlake --region ${var.region} --prefix ${var.prefix}"

      # What a query's id is checked against. The emulator does not know a running query's workgroup.
      athena_queries_arn = local.on_emulator ? "*" : "arn:${local.partition}:athena:${local.arn_suffix}:workgroup/${local.names.workgroup}"

      dlq_url = local.on_emulator ? "${var.local_endpoint}/${local.account_id}/${local.names.dlq}" : "https://sqs.${var.region}.${data.aws_partition.current.dns_suffix}/${local.account_id}/${local.names.dlq}"
    },
    { for name, arn in local.function_arns : "${name}_function_arn" => arn },
    { for name, function in local.functions : "${name}_task_timeout" => function.timeout_seconds + local.parameters.task_timeout_margin_seconds },
  )
}
