"""Lets a stack get other code for its function. LocalStack runs this in its process when it starts.

AutoPublishAlias makes an alias of the function's last version. LocalStack 4.14 cannot update an
alias: it takes the reference to a changed function for another function, so that it creates the
alias again beside the first one, which fails ("Alias already exists") and leaves the event source
mapping without a function. CloudFormation moves the alias to the new version, and so does this.
"""


def update_in_place() -> None:
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


update_in_place()
