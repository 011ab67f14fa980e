import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body, data, type Schema } from "./client";

export type Warehouse = Schema["WarehouseView"];
export type WarehouseWish = Partial<Schema["CreateWarehouse"]>;

const CHANGING_AGAIN_MS = 2000;
const OPEN_AGAIN_MS = 10_000;
const MOST = 1000;

/** All warehouses; asked again while the page is open, often while one starts or stops. */
export const warehousesQuery = queryOptions({
  queryKey: ["warehouses"],
  queryFn: async (): Promise<Warehouse[]> =>
    (await data(api.GET("/api/2.0/sql/warehouses", { params: { query: { page_size: MOST } } })))
      .warehouses ?? [],
  refetchInterval: (query) =>
    query.state.data?.some((each) => each.state === "STARTING" || each.state === "STOPPING")
      ? CHANGING_AGAIN_MS
      : OPEN_AGAIN_MS,
});

function useChange<T, R>(act: (given: T) => Promise<R>, quiet: boolean) {
  const cache = useQueryClient();
  return useMutation({
    meta: { quiet },
    mutationFn: act,
    onSettled: () => cache.invalidateQueries({ queryKey: ["warehouses"] }),
  });
}

export function useStartWarehouse() {
  return useChange(
    (warehouse_id: string) =>
      data(
        api.POST("/api/2.0/sql/warehouses/{warehouse_id}/start", {
          params: { path: { warehouse_id } },
        }),
      ),
    false,
  );
}

export function useStopWarehouse() {
  return useChange(
    (warehouse_id: string) =>
      data(
        api.POST("/api/2.0/sql/warehouses/{warehouse_id}/stop", {
          params: { path: { warehouse_id } },
        }),
      ),
    false,
  );
}

/** Make a warehouse, or change one when it has an id. */
export function useSaveWarehouse() {
  return useChange(async ({ id, wish }: { id?: string; wish: WarehouseWish }) => {
    if (!id)
      return data(
        api.POST("/api/2.0/sql/warehouses", { body: body<Schema["CreateWarehouse"]>(wish) }),
      );
    const params = { path: { warehouse_id: id } };
    await data(
      api.POST("/api/2.0/sql/warehouses/{warehouse_id}/edit", {
        params,
        body: body<Schema["EditWarehouse"]>(wish),
      }),
    );
    return { id };
  }, true);
}

export function useDeleteWarehouse() {
  return useChange(
    (warehouse_id: string) =>
      data(
        api.DELETE("/api/2.0/sql/warehouses/{warehouse_id}", {
          params: { path: { warehouse_id } },
        }),
      ),
    true,
  );
}
