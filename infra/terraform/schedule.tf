locals {
  # Two starts a day: after both sources have published, and in the next early morning for what was not there yet, with
  # the bars that Yahoo has settled overnight. The second changes nothing, and mails nobody, where nothing is new.
  schedules = merge(
    {
      evening = {
        name        = local.names.schedule
        description = "Starts the daily run after London's close and the ECB's publication"
        expression  = var.schedule_expression
      }
    },
    var.morning_run_at == null ? {} : {
      morning = {
        name        = local.names.morning_schedule
        description = "Starts the daily run again for settled bars and what the evening did not get"
        expression  = format("cron(%d %d ? * TUE-SAT *)", reverse(split(":", var.morning_run_at))...)
      }
    },
  )
}

moved {
  from = aws_scheduler_schedule.daily
  to   = aws_scheduler_schedule.this["evening"]
}

resource "aws_scheduler_schedule" "this" {
  # checkov:skip=CKV_AWS_297: the schedule's input is a time; a customer key costs $1 a month
  for_each = local.schedules

  name                         = each.value.name
  description                  = each.value.description
  state                        = var.schedule_enabled ? "ENABLED" : "DISABLED"
  schedule_expression          = each.value.expression
  schedule_expression_timezone = var.schedule_timezone

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_sfn_state_machine.pipeline.arn
    role_arn = aws_iam_role.this["scheduler"].arn

    # EventBridge Scheduler puts the intended time in, so that a start which is late plans the same days; the trigger
    # makes Plan claim it, so that one which comes twice runs once.
    # Not jsonencode: it writes < and > as \u003c and \u003e, which Scheduler does not recognise as its keyword. The
    # emulator does not know the keyword at all, so the run there takes its own start as the time.
    # https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
    input = local.on_emulator ? "{}" : "{\"scheduled_time\": \"<aws.scheduler.scheduled-time>\", \"trigger\": \"schedule\"}"

    retry_policy {
      maximum_retry_attempts       = 5
      maximum_event_age_in_seconds = 3600
    }

    # The message's body is the request that failed, StateMachineArn and Input; `marketlake dlq redrive` starts its Input.
    # https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html
    dead_letter_config {
      arn = aws_sqs_queue.dlq.arn
    }
  }
}
