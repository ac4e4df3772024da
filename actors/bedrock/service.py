"""Bedrock's control plane, operation by operation: a table of contents. What each does stands in the module it names.

Everything belongs to an account and a region. Not here yet: README.md, coverage.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from actors.bedrock import (
    arns,
    batches,
    custom_models,
    customization,
    deployments,
    foundation,
    guardrails,
    imports,
    invocation_logging,
    invocations,
    profiles,
    provisioned,
    tagging,
)
from actors.bedrock.catalogue import Models
from actors.bedrock.state import Book
from actors.runtime.access import Access
from actors.runtime.actor import ServiceActor, job, operation, query
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.runtime.surroundings import Surroundings

Request = Mapping[str, Any]
Answer = dict[str, Any]


class Bedrock(ServiceActor):
    service: ClassVar[str] = "bedrock"
    stateful: ClassVar[bool] = True

    def attach(self, surroundings: Surroundings) -> None:
        super().attach(surroundings)
        self._models = Models(surroundings.models.catalogue)
        self._customizing = customization.Customizing(surroundings)
        imports.register(surroundings)
        custom_models.register(surroundings)
        provisioned.register(surroundings)

    def accesses(self, context: Context, request: Request) -> Sequence[Access]:
        return arns.accesses(context, request)

    # Foundation models

    @query("ListFoundationModels")
    def list_foundation_models(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return foundation.listed(self._models, context.region, request)

    @query("GetFoundationModel")
    def get_foundation_model(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return foundation.get(self._models, context.region, request["modelIdentifier"])

    @query("GetFoundationModelAvailability")
    def get_foundation_model_availability(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return foundation.availability(self._models, request["modelId"])

    # Inference profiles

    @operation("CreateInferenceProfile")
    def create_inference_profile(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return profiles.create(Book(transaction, context.scope), self._models, context, request)

    @query("GetInferenceProfile")
    def get_inference_profile(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return profiles.get(Book(snapshot, context.scope), self._models, request["inferenceProfileIdentifier"])

    @query("ListInferenceProfiles")
    def list_inference_profiles(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return profiles.listed(Book(snapshot, context.scope), self._models, request)

    @operation("DeleteInferenceProfile")
    def delete_inference_profile(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return profiles.delete(Book(transaction, context.scope), request["inferenceProfileIdentifier"])

    # Guardrails

    @operation("CreateGuardrail")
    def create_guardrail(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return guardrails.create(Book(transaction, context.scope), context, request)

    @operation("UpdateGuardrail")
    def update_guardrail(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return guardrails.update(Book(transaction, context.scope), request)

    @operation("CreateGuardrailVersion")
    def create_guardrail_version(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return guardrails.create_version(Book(transaction, context.scope), context, request)

    @query("GetGuardrail")
    def get_guardrail(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return guardrails.get(Book(snapshot, context.scope), request)

    @query("ListGuardrails")
    def list_guardrails(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return guardrails.listed(Book(snapshot, context.scope), request)

    @operation("DeleteGuardrail")
    def delete_guardrail(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return guardrails.delete(Book(transaction, context.scope), request)

    # Provisioned throughput

    @operation("CreateProvisionedModelThroughput")
    def create_provisioned_model_throughput(
        self, context: Context, transaction: Transaction, request: Request
    ) -> Answer:
        return provisioned.create(
            Book(transaction, context.scope), self._models, self.surroundings.models, context, request)

    @query("GetProvisionedModelThroughput")
    def get_provisioned_model_throughput(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return provisioned.get(Book(snapshot, context.scope), request["provisionedModelId"])

    @query("ListProvisionedModelThroughputs")
    def list_provisioned_model_throughputs(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return provisioned.listed(Book(snapshot, context.scope), request)

    @operation("UpdateProvisionedModelThroughput")
    def update_provisioned_model_throughput(
        self, context: Context, transaction: Transaction, request: Request
    ) -> Answer:
        return provisioned.update(Book(transaction, context.scope), self._models, self.surroundings.models, request)

    @operation("DeleteProvisionedModelThroughput")
    def delete_provisioned_model_throughput(
        self, context: Context, transaction: Transaction, request: Request
    ) -> Answer:
        return provisioned.delete(Book(transaction, context.scope), request["provisionedModelId"])

    @job(provisioned.JOB)
    async def provision_step(self, now: float, state: Answer) -> Answer | None:
        return await provisioned.step(self.surroundings, now, state)

    # Imported models

    @operation("CreateModelImportJob")
    def create_model_import_job(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return imports.create(Book(transaction, context.scope), context, request)

    @query("GetModelImportJob")
    def get_model_import_job(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return imports.get_job(Book(snapshot, context.scope), request["jobIdentifier"])

    @query("ListModelImportJobs")
    def list_model_import_jobs(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return imports.list_jobs(Book(snapshot, context.scope), request)

    @query("GetImportedModel")
    def get_imported_model(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return imports.get(Book(snapshot, context.scope), request["modelIdentifier"])

    @query("ListImportedModels")
    def list_imported_models(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return imports.listed(Book(snapshot, context.scope), request)

    @operation("DeleteImportedModel")
    def delete_imported_model(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return imports.delete(Book(transaction, context.scope), request["modelIdentifier"])

    @job(imports.JOB)
    async def import_step(self, now: float, state: Answer) -> Answer | None:
        return await imports.step(self.surroundings, now, state)

    # Batch inference

    @operation("CreateModelInvocationJob")
    def create_model_invocation_job(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return batches.create(Book(transaction, context.scope), self._models, context, request)

    @query("GetModelInvocationJob")
    def get_model_invocation_job(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return batches.get(Book(snapshot, context.scope), request["jobIdentifier"])

    @query("ListModelInvocationJobs")
    def list_model_invocation_jobs(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return batches.listed(Book(snapshot, context.scope), request)

    @operation("StopModelInvocationJob")
    def stop_model_invocation_job(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return batches.stop(Book(transaction, context.scope), request["jobIdentifier"])

    @job(batches.JOB)
    async def batch_step(self, now: float, state: Answer) -> Answer | None:
        return await batches.step(self.surroundings, now, state)

    # Asynchronous invocations, which bedrock-runtime starts

    @job(invocations.JOB)
    async def async_invoke_step(self, now: float, state: Answer) -> Answer | None:
        return await invocations.step(self.surroundings, now, state)

    # Customization

    @operation("CreateModelCustomizationJob")
    def create_model_customization_job(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return customization.create(Book(transaction, context.scope), self._models, context, request)

    @query("GetModelCustomizationJob")
    def get_model_customization_job(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return customization.get(Book(snapshot, context.scope), request["jobIdentifier"])

    @query("ListModelCustomizationJobs")
    def list_model_customization_jobs(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return customization.listed(Book(snapshot, context.scope), request)

    @operation("StopModelCustomizationJob")
    def stop_model_customization_job(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return customization.stop(Book(transaction, context.scope), request["jobIdentifier"])

    @job(customization.JOB)
    async def customize_step(self, now: float, state: Answer) -> Answer | None:
        after = await self._customizing.step(now, state)
        custom_models.register(self.surroundings)
        return after

    @job(custom_models.JOB)
    async def forget_custom_model_step(self, now: float, state: Answer) -> Answer | None:
        return await custom_models.forget(self.surroundings, now, state)

    @query("GetCustomModel")
    def get_custom_model(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return custom_models.get(Book(snapshot, context.scope), request["modelIdentifier"])

    @query("ListCustomModels")
    def list_custom_models(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return custom_models.listed(Book(snapshot, context.scope), request)

    @operation("DeleteCustomModel")
    def delete_custom_model(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return custom_models.delete(Book(transaction, context.scope), request["modelIdentifier"])

    # Deployments of custom models

    @operation("CreateCustomModelDeployment")
    def create_custom_model_deployment(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return deployments.create(Book(transaction, context.scope), context, request)

    @query("GetCustomModelDeployment")
    def get_custom_model_deployment(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return deployments.get(Book(snapshot, context.scope), request["customModelDeploymentIdentifier"])

    @query("ListCustomModelDeployments")
    def list_custom_model_deployments(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return deployments.listed(Book(snapshot, context.scope), request)

    @operation("UpdateCustomModelDeployment")
    def update_custom_model_deployment(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return deployments.update(Book(transaction, context.scope), request)

    @operation("DeleteCustomModelDeployment")
    def delete_custom_model_deployment(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return deployments.delete(Book(transaction, context.scope), request["customModelDeploymentIdentifier"])

    # Logging of invocations

    @operation("PutModelInvocationLoggingConfiguration")
    def put_model_invocation_logging_configuration(
        self, context: Context, transaction: Transaction, request: Request
    ) -> Answer:
        return invocation_logging.put(Book(transaction, context.scope), context, request)

    @query("GetModelInvocationLoggingConfiguration")
    def get_model_invocation_logging_configuration(
        self, context: Context, snapshot: Snapshot, request: Request
    ) -> Answer:
        return invocation_logging.get(Book(snapshot, context.scope))

    @operation("DeleteModelInvocationLoggingConfiguration")
    def delete_model_invocation_logging_configuration(
        self, context: Context, transaction: Transaction, request: Request
    ) -> Answer:
        return invocation_logging.delete(Book(transaction, context.scope))

    @job(invocation_logging.JOB)
    async def log_invocation_step(self, now: float, state: Answer) -> Answer | None:
        await invocation_logging.step(self.surroundings, now, state)
        return None

    # Tags

    @operation("TagResource")
    def tag_resource(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return tagging.tag(Book(transaction, context.scope), request["resourceARN"], request["tags"])

    @operation("UntagResource")
    def untag_resource(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return tagging.untag(Book(transaction, context.scope), request["resourceARN"], request["tagKeys"])

    @query("ListTagsForResource")
    def list_tags_for_resource(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return tagging.listed(Book(snapshot, context.scope), request["resourceARN"])
