"""Lets a running stack be updated as CloudFormation does. LocalStack runs this when it starts.

LocalStack 4.14 has two faults that cost a developer the stack:

- It cannot update an alias of a function: it takes the reference to a changed function for another
  function, so that it creates the alias again beside the first one, which fails ("Alias already
  exists") and leaves the event source mapping without a function.
- An update that fails is not undone: the stack keeps what was changed, deletes what the new
  template leaves out, and forgets the resources that were not reached, so that no later update
  succeeds. Its state is that of a failed creation, and SAM waits for another one without end.
"""


def move_aliases() -> None:
    """An alias, which AutoPublishAlias makes, moves to the new version of its function."""
    from localstack.services.cloudformation.resource_provider import OperationStatus, ProgressEvent
    from localstack.services.lambda_.resource_providers.lambda_alias import LambdaAliasProvider

    names = ("FunctionName", "Name", "FunctionVersion", "Description", "RoutingConfig")

    def update(self, request):
        alias = {name: value for name, value in request.desired_state.items() if name in names}
        request.aws_client_factory.lambda_.update_alias(**alias)
        return ProgressEvent(
            status=OperationStatus.SUCCESS,
            resource_model={**request.previous_state, **request.desired_state},
        )

    LambdaAliasProvider.update = update
    LambdaAliasProvider.SCHEMA = {**LambdaAliasProvider.SCHEMA, "createOnlyProperties": []}


def undo_failed_updates() -> None:
    """The resources that a failed update changed are changed back, the latest first."""
    from localstack.services.cloudformation.engine.v2 import change_set_model_executor as engine
    from localstack.services.cloudformation.v2.entities import StackStatus

    change = engine.ChangeSetModelExecutor._execute_resource_change
    process = engine.ChangeSetModelExecutor.process
    execute = engine.ChangeSetModelExecutor.execute

    def note_change(self, name, before, after):
        change(self, name=name, before=before, after=after)
        if engine.is_nothing(after):
            return
        if self.resources[name]["ResourceStatus"].endswith("_COMPLETE"):
            self.changed.append((name, before, after))

    def undo(self, name, before, after):
        properties = engine.PreprocProperties(properties=self.resources[name]["Properties"])
        created = engine.is_nothing(before) or after.requires_replacement
        event = self._execute_resource_action(
            action=engine.ChangeAction.Remove if created else engine.ChangeAction.Modify,
            logical_resource_id=name,
            resource_type=after.resource_type,
            before_properties=properties,
            after_properties=None if created else before.properties,
        )
        if event.status != engine.OperationStatus.SUCCESS:
            self.not_undone.append(f"{name}: {event.message}")

    def process_or_undo(self):
        try:
            process(self)
        except Exception:
            if self.updates:
                self._deferred_actions.clear()  # the deletion of what the new template leaves out
                for name, before, after in reversed(self.changed):
                    undo(self, name, before, after)
            raise

    def execute_or_keep(self):
        change_set, stack = self._change_set, self._change_set.stack
        # A deletion is a change set, too. A failure changes the status.
        self.updates = stack.status == StackStatus.UPDATE_IN_PROGRESS
        self.changed, self.not_undone = [], []
        before = dict(stack.resolved_resources)
        result = execute(self)
        if result.failure_message and self.updates:
            # The caller takes these over for the stack.
            for name in ("template", "processed_template", "template_body", "resolved_parameters"):
                setattr(change_set, name, getattr(stack, name))
            result.resources = before
            status = StackStatus.UPDATE_ROLLBACK_COMPLETE
            if self.not_undone:
                status = StackStatus.UPDATE_ROLLBACK_FAILED
            reason = "; not undone: ".join([result.failure_message, *self.not_undone])
            stack.set_stack_status(status, reason)
        return result

    engine.ChangeSetModelExecutor._execute_resource_change = note_change
    engine.ChangeSetModelExecutor.process = process_or_undo
    engine.ChangeSetModelExecutor.execute = execute_or_keep


move_aliases()
undo_failed_updates()
